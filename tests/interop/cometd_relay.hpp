#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/task_group.hpp"
#include "tests/interop/cometd_loop.hpp"

namespace pushguard::test {

/// A TCP relay on loopback between clients and a server, which spoils what passes when told to. Where the
/// server is not there, the client's connection is reset. For one thread.
class spoiling_relay {
 public:
  spoiling_relay(socket_loop& loop, std::uint16_t server_port);
  ~spoiling_relay();
  spoiling_relay(const spoiling_relay&) = delete;
  spoiling_relay& operator=(const spoiling_relay&) = delete;

  [[nodiscard]] origin address() const;

  /// New connections lead to this port of loopback.
  void lead_to(std::uint16_t server_port) noexcept { server_port_ = server_port; }
  /// Resets every connection.
  void cut();
  /// While true, new connections are reset at once.
  void refuse(bool is_refusing) noexcept { is_refusing_ = is_refusing; }
  /// The present connections stay open and carry nothing more, in either direction.
  void freeze();
  /// Resets the connection over which `text` comes from the server, once, right behind it.
  void cut_behind(std::string text) { cut_behind_ = std::move(text); }
  /// Puts `to`, of the same length, in the place of `from`, once, in what comes from the server.
  void replace(std::string from, std::string to);
  /// What comes from the server passes in pieces of `size` bytes, `pause` apart. Size 0: as it comes.
  void slow_down(std::size_t size, duration pause) noexcept;

 private:
  struct link;

  boost::asio::awaitable<void> accept_links();
  boost::asio::awaitable<void> serve(std::unique_ptr<transport> client);
  boost::asio::awaitable<void> carry_up(link& on);
  boost::asio::awaitable<void> carry_down(link& on);
  boost::asio::awaitable<void> pass_down(link& on, std::string_view bytes);
  void spoil(std::string& bytes);

  socket_loop& loop_;
  std::unique_ptr<listener> listener_;
  std::uint16_t server_port_;
  std::list<link*> links_;
  bool is_refusing_ = false;
  std::optional<std::string> cut_behind_;
  std::optional<std::pair<std::string, std::string>> replacement_;
  std::size_t piece_size_ = 0;
  duration piece_pause_{};
  task_group tasks_;
  bool has_ended_ = false;
};

}  // namespace pushguard::test
