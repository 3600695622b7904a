#pragma once

#include <string>

#include "silhouette/trust.hpp"

namespace silhouette {

/// What one download trusts, as libcurl takes it.
struct Trust {
  std::string file;    ///< bundle in PEM, or empty
  std::string folder;  ///< certificates under the names that OpenSSL gives them, or empty
  std::string pem;     ///< in the file's place if not empty: holds what that has

  std::string origin;    ///< of file and folder, for messages: "$SSL_CERT_FILE ('/x.pem')"
  bool nothing = false;  ///< there are no certificates at all
};

/// What the environment, the system and silhouette/trust.hpp say now. Thread-safe.
Trust current_trust();

/// The same for a system with this bundle and this folder; empty for what it hasn't.
Trust choose_trust(const std::string& system_file, const std::string& system_folder);

}  // namespace silhouette
