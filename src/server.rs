//! The program: binds the doors, drains them, re-reads users and certificates.
