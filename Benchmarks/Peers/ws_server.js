// Node ws as a peer: /echo sends back what comes, /room sends it to everyone there. Argument: the port.
'use strict';
const http = require('http');
const { WebSocketServer } = require('ws');

const options = { noServer: true, perMessageDeflate: false, maxPayload: 1 << 20, clientTracking: false };
const echo = new WebSocketServer(options);
const room = new WebSocketServer({ ...options, clientTracking: true });

echo.on('connection', (socket) => {
  socket.on('error', () => {});
  socket.on('message', (data, binary) => socket.send(data, { binary }));
});

room.on('connection', (socket) => {
  socket.on('error', () => {});
  socket.on('message', (data, binary) => {
    for (const member of room.clients) if (member.readyState === 1) member.send(data, { binary });
  });
});

const server = http.createServer((request, response) => response.end());
server.on('upgrade', (request, socket, head) => {
  const target = request.url.startsWith('/room') ? room : echo;
  target.handleUpgrade(request, socket, head, (connection) => target.emit('connection', connection));
});
server.listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 4096 });
