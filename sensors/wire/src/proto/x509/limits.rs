//! Limits of the certificates reader. Each hit is counted (`parser_limit`).

use crate::limits::limits;

limits! { "x509":
    /// Certificates of one chain that are told of.
    MAX_TOLD = 16, "certificates", drill 0;
    /// Extensions of one certificate that are read.
    MAX_EXTENSIONS = 64, "extensions", drill 1;
    /// Attributes of one name that are read.
    MAX_ATTRIBUTES = 64, "attributes", drill 1;
    /// Alternative names of one certificate that are told.
    MAX_ALTERNATIVE_NAMES = 256, "names", drill 1;
    /// Purposes of one certificate's key that are told.
    MAX_PURPOSES = 32, "purposes", drill 1;
}
