/* uWebSockets as a peer: /echo sends back what comes, /room publishes it to everyone there. Argument: the port. */
#include "App.h"
#include <cstdlib>
#include <string>
#include <string_view>

struct PerSocket {};

int main(int, char **argv) {
  uWS::App app;
  uWS::App::WebSocketBehavior<PerSocket> echo{};
  echo.compression = uWS::DISABLED;
  echo.maxPayloadLength = 1 << 20;
  echo.maxBackpressure = 16 << 20;
  echo.idleTimeout = 120;
  echo.message = [](auto *socket, std::string_view message, uWS::OpCode opcode) { socket->send(message, opcode); };

  uWS::App::WebSocketBehavior<PerSocket> room{};
  room.compression = uWS::DISABLED;
  room.maxPayloadLength = 1 << 20;
  room.maxBackpressure = 16 << 20;
  room.idleTimeout = 120;
  room.open = [](auto *socket) { socket->subscribe("room"); };
  /* App::publish reaches the sender too; WebSocket::publish does not. */
  room.message = [&app](auto *, std::string_view message, uWS::OpCode opcode) { app.publish("room", message, opcode); };

  bool listens = false;
  app.ws<PerSocket>("/echo", std::move(echo))
      .ws<PerSocket>("/room", std::move(room))
      .listen("127.0.0.1", std::atoi(argv[1]), [&listens](auto *socket) { listens = socket != nullptr; });
  if (!listens) return 1;
  app.run();
}
