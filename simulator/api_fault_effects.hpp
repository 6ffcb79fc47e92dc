#pragma once

#include <string>
#include <string_view>

#include "base/http_server.hpp"
#include "simulator/api_faults.hpp"

namespace pushguard::simulator {

/// What stands for the answer to a call that is hit at arrival or refused. The delay, and what becomes of
/// tokens, is the business of the caller.
[[nodiscard]] http_reply refuse_call(const api_fault& what, const api_call& call);

/// The answer as the fault leaves it; `made` is the right one. `page_path` is where the page that was
/// answered can be had again; empty for other answers. short_page and slow are the business of the caller.
[[nodiscard]] http_reply spoil_api_answer(const api_fault& what, std::string_view page_path, http_reply made);

}  // namespace pushguard::simulator
