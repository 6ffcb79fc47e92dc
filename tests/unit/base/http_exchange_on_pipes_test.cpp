#include "tests/unit/base/http_exchange.hpp"

namespace pushguard::test {

INSTANTIATE_TEST_SUITE_P(OnPipes, HttpExchange, testing::Values(&make_pipe_world));

}  // namespace pushguard::test
