// Package engineio speaks Engine.IO protocol 4, and 3 on request.
package engineio
