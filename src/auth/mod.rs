//! Users and their verifiers, one store for both doors.
