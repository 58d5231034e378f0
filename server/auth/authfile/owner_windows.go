package authfile

import "os"

// keepOwner has nothing to do: a new file has the rights that its folder hands down.
func keepOwner(*os.File, string) error { return nil }
