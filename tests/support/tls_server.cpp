#include "tests/support/tls_server.hpp"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <fstream>
#include <stdexcept>

namespace pushguard::test {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using tcp = asio::ip::tcp;
using boost::system::error_code;

template <auto Free>
struct freer {
  template <class T>
  void operator()(T* what) const {
    Free(what);
  }
};
using key_pointer = std::unique_ptr<EVP_PKEY, freer<&EVP_PKEY_free>>;
using certificate_pointer = std::unique_ptr<X509, freer<&X509_free>>;
using bio_pointer = std::unique_ptr<BIO, freer<&BIO_free>>;
using extension_pointer = std::unique_ptr<X509_EXTENSION, freer<&X509_EXTENSION_free>>;

constexpr long day = 86'400;

void must(bool is_done, const char* what) {
  if (!is_done) {
    throw std::runtime_error(std::string("OpenSSL: ") + what);
  }
}

key_pointer make_key() {
  key_pointer key(EVP_EC_gen("P-256"));
  must(key != nullptr, "making a key");
  return key;
}

void add_extension(X509* to, int kind, const std::string& value) {
  const extension_pointer extension(X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str()));
  must(extension && X509_add_ext(to, extension.get(), -1) == 1, "adding an extension");
}

certificate_pointer make_certificate(EVP_PKEY* key, const std::string& common_name, validity when) {
  certificate_pointer made(X509_new());
  must(made != nullptr, "making a certificate");
  X509_set_version(made.get(), X509_VERSION_3);
  static long serial = 1;
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), ++serial);
  const long from = when == validity::not_yet ? day : -2 * day;
  const long until = when == validity::over ? -day : 10 * day;
  X509_gmtime_adj(X509_getm_notBefore(made.get()), from);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), until);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1, 0);
  X509_set_pubkey(made.get(), key);
  return made;
}

template <class Write>
std::string to_pem(Write write) {
  const bio_pointer memory(BIO_new(BIO_s_mem()));
  must(memory && write(memory.get()) == 1, "writing PEM");
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

std::string join(const std::vector<std::string>& names) {
  std::string all;
  for (const std::string& name : names) {
    all += (all.empty() ? "" : ",") + name;
  }
  return all;
}

}  // namespace

temporary_directory::temporary_directory() {
  std::string name = std::filesystem::temp_directory_path() / "pushguard-test-XXXXXX";
  if (mkdtemp(name.data()) == nullptr) {
    throw std::runtime_error("no temporary directory can be made");
  }
  path_ = name;
}

temporary_directory::~temporary_directory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

struct certificate_authority::keys {
  key_pointer key;
  certificate_pointer certificate;
};

certificate_authority::certificate_authority()
    : file_(directory_.path() / "ca.pem"), keys_(std::make_unique<keys>()) {
  keys_->key = make_key();
  keys_->certificate = make_certificate(keys_->key.get(), "test authority", validity::now);
  X509* const made = keys_->certificate.get();
  X509_set_issuer_name(made, X509_get_subject_name(made));
  add_extension(made, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(made, NID_key_usage, "critical,keyCertSign");
  must(X509_sign(made, keys_->key.get(), EVP_sha256()) > 0, "signing");
  std::ofstream(file_) << to_pem([made](BIO* to) { return PEM_write_bio_X509(to, made); });
}

certificate_authority::~certificate_authority() = default;

certificate_chain certificate_authority::issue(const certificate_wish& wish) const {
  const key_pointer key = make_key();
  const certificate_pointer made = make_certificate(key.get(), wish.common_name, wish.when);
  X509_set_issuer_name(made.get(), X509_get_subject_name(keys_->certificate.get()));
  add_extension(made.get(), NID_ext_key_usage,
                wish.use == certificate_use::client ? "clientAuth" : "serverAuth");
  if (!wish.names.empty()) {
    add_extension(made.get(), NID_subject_alt_name, join(wish.names));
  }
  must(X509_sign(made.get(), keys_->key.get(), EVP_sha256()) > 0, "signing");
  return {.certificate = to_pem([&made](BIO* to) { return PEM_write_bio_X509(to, made.get()); }),
          .key = to_pem([&key](BIO* to) {
            return PEM_write_bio_PrivateKey(to, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
          })};
}

namespace {

using tls_stream = ssl::stream<tcp::socket>;

class accepted_transport final : public transport {
 public:
  explicit accepted_transport(std::unique_ptr<tls_stream> stream) : stream_(std::move(stream)) {}

  asio::awaitable<result<std::size_t>> read_some(std::span<char> into) override {
    error_code ec;
    const std::size_t got = co_await stream_->async_read_some(asio::buffer(into.data(), into.size()),
                                                              asio::redirect_error(asio::use_awaitable, ec));
    if (ec && ec != asio::error::eof) {
      co_return fail(errc::closed, ec.message());
    }
    co_return got;
  }
  asio::awaitable<result<>> write(std::string_view bytes) override {
    error_code ec;
    co_await asio::async_write(*stream_, asio::buffer(bytes.data(), bytes.size()),
                               asio::redirect_error(asio::use_awaitable, ec));
    if (ec) {
      co_return fail(errc::closed, ec.message());
    }
    co_return result<>{};
  }
  void end_writing() noexcept override {}
  void close() noexcept override {
    error_code ignored;
    stream_->lowest_layer().close(ignored);
  }
  void reset() noexcept override { close(); }
  std::string peer() const override { return "tls test client"; }

  tls_stream& stream() { return *stream_; }
  const tls_stream& stream() const { return *stream_; }

 private:
  std::unique_ptr<tls_stream> stream_;
};

class tls_listener final : public listener {
 public:
  tls_listener(const asio::any_io_executor& executor, const certificate_chain& chain, tls_version version)
      : acceptor_(executor, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {
    context_.use_certificate(asio::buffer(chain.certificate), ssl::context::pem);
    context_.use_private_key(asio::buffer(chain.key), ssl::context::pem);
    if (version == tls_version::only_1_1) {
      SSL_CTX_set_min_proto_version(context_.native_handle(), TLS1_1_VERSION);
      SSL_CTX_set_max_proto_version(context_.native_handle(), TLS1_1_VERSION);
      SSL_CTX_set_cipher_list(context_.native_handle(), "ALL:@SECLEVEL=0");
    }
  }

  asio::awaitable<result<std::unique_ptr<transport>>> accept() override {
    while (acceptor_.is_open()) {
      const auto executor = co_await asio::this_coro::executor;
      auto stream = std::make_unique<tls_stream>(tcp::socket(executor), context_);
      error_code ec;
      co_await acceptor_.async_accept(stream->lowest_layer(), asio::redirect_error(asio::use_awaitable, ec));
      if (!ec) {
        co_await stream->async_handshake(ssl::stream_base::server,
                                         asio::redirect_error(asio::use_awaitable, ec));
      }
      if (!ec) {
        std::unique_ptr<transport> made = std::make_unique<accepted_transport>(std::move(stream));
        co_return made;
      }
      if (ec == asio::error::operation_aborted && acceptor_.is_open()) {
        throw boost::system::system_error(ec);
      }
    }
    co_return fail(errc::closed, "the listener was closed");
  }
  origin local() const override {
    return {.security = security::tls, .host = "127.0.0.1", .port = acceptor_.local_endpoint().port()};
  }
  void close() noexcept override {
    error_code ignored;
    acceptor_.close(ignored);
  }

 private:
  ssl::context context_{ssl::context::tls_server};
  tcp::acceptor acceptor_;
};

}  // namespace

std::unique_ptr<listener> listen_tls(const asio::any_io_executor& executor, const certificate_chain& chain,
                                     tls_version version) {
  return std::make_unique<tls_listener>(executor, chain, version);
}

asio::awaitable<void> say_goodbye(transport& accepted) {
  error_code ignored;
  co_await dynamic_cast<accepted_transport&>(accepted).stream().async_shutdown(
      asio::redirect_error(asio::use_awaitable, ignored));
}

std::string asked_name(const transport& accepted) {
  auto& stream = const_cast<tls_stream&>(dynamic_cast<const accepted_transport&>(accepted).stream());
  const char* const name = SSL_get_servername(stream.native_handle(), TLSEXT_NAMETYPE_host_name);
  return name ? name : "";
}

}  // namespace pushguard::test
