//! Certificates and keys for the listeners.
