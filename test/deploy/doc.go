// Package deploy holds the files in the folder deploy against what reads them: the
// parsers of Dockerfiles and of compose files, and the types of Kubernetes' API, all of
// them strict; and against Sockeye itself, whose options they name.
//
// It is a module of its own, so that nobody who uses Sockeye gets those libraries. It
// stands beside the road, and has nothing but tests. It starts no container: where the
// real program is on the machine, tools.sh asks it too.
package deploy
