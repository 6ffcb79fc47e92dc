#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>

#include "agent/configuration/configuration.hpp"

namespace pushguard::configuration {

/// A certificate that load_tls_trust reads; its key was thrown away.
inline constexpr std::string_view certificate = R"(-----BEGIN CERTIFICATE-----
MIIBjjCCATWgAwIBAgIUN3GU7DPazLy8rWxiJB3k815RrsowCgYIKoZIzj0EAwIw
HDEaMBgGA1UEAwwRUHVzaGd1YXJkIFRlc3QgQ0EwIBcNMjYxMTIzMDQzNjQ5WhgP
MjEyNjEwMzAwNDM2NDlaMBwxGjAYBgNVBAMMEVB1c2hndWFyZCBUZXN0IENBMFkw
EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEdlO6O5iPDdvxtREWF7mIdp+7JtK5Zme4
lvm6XVRbhQirfnOuPN2PkYiHzcHvCwTerrBpTxrCGgaTFYjY0tFf7qNTMFEwHQYD
VR0OBBYEFJltz6OhXmNhRQXDzTJ86Wg0DrbDMB8GA1UdIwQYMBaAFJltz6OhXmNh
RQXDzTJ86Wg0DrbDMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIg
GeIl+3qXgqKUmaMjSBLZOSVX8Q4df96Q4UtgRNIlXeUCIF0OVei6+0pBr8gUDFJC
YjZXdW117G1j++YMcsb9kT4Q
-----END CERTIFICATE-----
)";

/// A directory of its own for the files that a configuration names; gone with the object.
class configuration_files {
 public:
  configuration_files() {
    std::string name = (std::filesystem::temp_directory_path() / "pushguard-configuration-XXXXXX").string();
    directory_ = mkdtemp(name.data());
  }
  ~configuration_files() {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  configuration_files(const configuration_files&) = delete;
  configuration_files& operator=(const configuration_files&) = delete;

  void write(const std::string& name, std::string_view content) const {
    std::ofstream(directory_ / name, std::ios::binary) << content;
  }
  [[nodiscard]] const std::filesystem::path& directory() const noexcept { return directory_; }
  [[nodiscard]] std::filesystem::path file() const { return directory_ / "f.yaml"; }

 private:
  std::filesystem::path directory_;
};

inline environment fixed_environment(std::map<std::string, std::string, std::less<>> variables) {
  return [variables = std::move(variables)](std::string_view name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
}

}  // namespace pushguard::configuration
