//! Door 2: HTTP, JSON:API.
