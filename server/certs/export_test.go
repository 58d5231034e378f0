package certs

// Look is one look of Watch.
func Look(s *Store) { s.look(false) }
