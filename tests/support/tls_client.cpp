#include "tests/support/tls_client.hpp"

#include <fmt/format.h>

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace pushguard::test {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using tcp = asio::ip::tcp;
using boost::system::error_code;

ssl::context make_context(const tls_client_wish& wish) {
  ssl::context context(ssl::context::tls_client);
  context.load_verify_file(wish.ca_file.string());
  context.set_verify_mode(ssl::verify_peer);
  if (wish.own) {
    context.use_certificate_chain(asio::buffer(wish.own->certificate));
    context.use_private_key(asio::buffer(wish.own->key), ssl::context::pem);
  }
  if (wish.version == tls_client_version::only_1_2)
    SSL_CTX_set_max_proto_version(context.native_handle(), TLS1_2_VERSION);
  if (!wish.cipher_suites.empty())
    SSL_CTX_set_cipher_list(context.native_handle(), wish.cipher_suites.c_str());
  return context;
}

std::string common_name_of(SSL* session) {
  std::array<char, 256> text{};
  const X509* const certificate = SSL_get0_peer_certificate(session);
  if (certificate != nullptr)
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, text.data(), text.size());
  return text.data();
}

}  // namespace

asio::awaitable<result<tls_answer>> ask_over_tls(origin to, tls_client_wish wish, std::string request) {
  ssl::context context = make_context(wish);
  const auto executor = co_await asio::this_coro::executor;
  ssl::stream<tcp::socket> stream(executor, context);
  error_code ec;
  co_await stream.lowest_layer().async_connect({asio::ip::make_address(to.host), to.port},
                                               asio::redirect_error(asio::use_awaitable, ec));
  if (!ec)
    co_await stream.async_handshake(ssl::stream_base::client, asio::redirect_error(asio::use_awaitable, ec));
  if (!ec)
    co_await asio::async_write(stream, asio::buffer(request), asio::redirect_error(asio::use_awaitable, ec));
  tls_answer answer;
  std::array<char, 4096> piece{};
  while (!ec) {
    const std::size_t got =
        co_await stream.async_read_some(asio::buffer(piece), asio::redirect_error(asio::use_awaitable, ec));
    answer.text.append(piece.data(), got);
  }
  if (answer.text.empty())
    co_return fail(errc::closed, ec.message());
  answer.common_name = common_name_of(stream.native_handle());
  answer.cipher_suite = SSL_CIPHER_standard_name(SSL_get_current_cipher(stream.native_handle()));
  co_return answer;
}

std::string last_request(std::string_view method, std::string_view path, std::string_view headers) {
  return fmt::format("{} {} HTTP/1.1\r\nHost: a\r\n{}Connection: close\r\n\r\n", method, path, headers);
}

std::string last_get(std::string_view path) {
  return last_request("GET", path);
}

}  // namespace pushguard::test
