#include "tests/support/scratch_directory.hpp"

#include <stdlib.h>

namespace pushguard::test {

scratch_directory::scratch_directory() {
  std::string name = (std::filesystem::temp_directory_path() / "pushguard-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr)
    throw std::runtime_error("no temporary directory can be made");
  path_ = name;
}

scratch_directory::~scratch_directory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace pushguard::test
