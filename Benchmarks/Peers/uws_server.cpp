/* uWebSockets as a peer: /echo sends back what comes, /room publishes it to everyone there, and /acknowledging-room does so
   with what is not as short as an acknowledgement. Argument: the port. */
#include "App.h"
#include <cstdlib>
#include <string>
#include <string_view>

struct PerSocket {};
using Behavior = uWS::App::WebSocketBehavior<PerSocket>;

/* Bytes. What is published has 128. */
static const size_t shortest_publication = 64;

static Behavior behavior() {
  Behavior made{};
  made.compression = uWS::DISABLED;
  made.maxPayloadLength = 1 << 20;
  made.maxBackpressure = 16 << 20;
  made.idleTimeout = 120;
  return made;
}

int main(int, char **argv) {
  uWS::App app;
  Behavior echo = behavior();
  echo.message = [](auto *socket, std::string_view message, uWS::OpCode opcode) { socket->send(message, opcode); };

  Behavior room = behavior();
  room.open = [](auto *socket) { socket->subscribe("room"); };
  /* App::publish reaches the sender too; WebSocket::publish does not. */
  room.message = [&app](auto *, std::string_view message, uWS::OpCode opcode) { app.publish("room", message, opcode); };

  /* Members who acknowledge what they get, as a session's do: here they are heard, and that is all. */
  Behavior acknowledging = behavior();
  acknowledging.open = [](auto *socket) { socket->subscribe("acknowledging-room"); };
  acknowledging.message = [&app](auto *, std::string_view message, uWS::OpCode opcode) {
    if (message.size() >= shortest_publication) app.publish("acknowledging-room", message, opcode);
  };

  bool listens = false;
  app.ws<PerSocket>("/echo", std::move(echo))
      .ws<PerSocket>("/room", std::move(room))
      .ws<PerSocket>("/acknowledging-room", std::move(acknowledging))
      .listen("127.0.0.1", std::atoi(argv[1]), [&listens](auto *socket) { listens = socket != nullptr; });
  if (!listens) return 1;
  app.run();
}
