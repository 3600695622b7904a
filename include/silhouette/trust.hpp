#pragma once

#include <string>

#include "silhouette/export.hpp"

namespace silhouette {

// Which certificates https downloads trust. Found as the curl command finds them: the file that $CURL_CA_BUNDLE names,
// else the file and the folder of $SSL_CERT_FILE and $SSL_CERT_DIR, each in the system's place. What is set here counts
// for downloads that start later. Texts are PEM, of one or more certificates. Both functions are thread-safe.

/// Trusted where the system has no certificates of its own and no variable names any. Replaces what was set before;
/// empty: nothing.
SILHOUETTE_API void set_fallback_certificates(std::string pem);

/// Trusted besides whatever else is. Adds to what was added before.
SILHOUETTE_API void add_trusted_certificates(std::string pem);

}  // namespace silhouette
