#include "tests/unit/base/http_exchange.hpp"

namespace pushguard::test {

INSTANTIATE_TEST_SUITE_P(OnSockets, HttpExchange, testing::Values(&make_socket_world));

}  // namespace pushguard::test
