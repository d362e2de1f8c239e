// Socket.IO as a peer, over WebSocket only: "msg" comes back, "join" enters a room, "pub" is sent to everyone in it.
// Argument: the port. SOCKET_IO may name the folder of the package.
'use strict';
const http = require('http');
const { Server } = require(process.env.SOCKET_IO || 'socket.io');

const server = http.createServer();
const io = new Server(server, { transports: ['websocket'], perMessageDeflate: false, maxHttpBufferSize: 1 << 20 });

io.on('connection', (socket) => {
  socket.on('msg', (data) => socket.emit('msg', data));
  socket.on('join', (room, done) => { socket.join(room); done(); });
  socket.on('pub', (data) => io.to('room').emit('pub', data));
});
server.listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 4096 });
