package docs_test

import (
	"regexp"
	"strings"
	"testing"
)

// nodeAPI are the public names of the server side of the npm packages socket.io
// 4.8 and engine.io 6.6: classes, properties, methods, events and options.
const nodeAPI = `
Server of path serveClient adapter connectTimeout httpServer engine sockets listen attach attachApp bind onconnection
close use to in except emit send write serverSideEmit serverSideEmitWithAck allSockets compress volatile local timeout
fetchSockets socketsJoin socketsLeave disconnectSockets emitWithAck connection connect new_namespace encoder
parser cleanupEmptyChildNamespaces connectionStateRecovery maxDisconnectionDuration skipMiddlewares
name server createChild
id nsp client request handshake data rooms connected disconnected recovered conn join leave broadcast disconnect
disconnecting error on once off onAny prependAny offAny listenersAny onAnyOutgoing prependAnyOutgoing offAnyOutgoing
listenersAnyOutgoing addListener prependListener removeListener removeAllListeners listeners listenerCount eventNames
headers time address xdomain secure issued url query auth
sids socketRooms addAll del delAll addSockets delSockets broadcastWithAck persistSession restoreSession serverCount
create-room delete-room join-room leave-room
pingTimeout pingInterval upgradeTimeout maxHttpBufferSize allowRequest transports allowUpgrades perMessageDeflate
httpCompression wsEngine initialPacket cookie cors allowEIO3 addTrailingSlash destroyUpgrade destroyUpgradeTimeout
clientsCount generateId initial_headers connection_error handleRequest handleUpgrade onWebTransportSession upgrades opts
protocol transport remoteAddress readyState upgrading upgraded upgrade packet packetCreate drain flush heartbeat message
`

// TestMovingFromNodeNamesEveryCall looks for each name in the code on the page:
// in a table's column headed Node, in a block, or in the prose's code spans.
func TestMovingFromNodeNamesEveryCall(t *testing.T) {
	t.Parallel()
	p := readPage(t, "docs/moving-from-node.md")
	var code strings.Builder
	for _, line := range p.prose() {
		code.WriteString(strings.Join(codeSpans(line), "\n") + "\n")
	}
	for _, b := range p.blocks("js") {
		code.WriteString(b.text)
	}
	words := make(map[string]bool)
	for _, w := range regexp.MustCompile(`[A-Za-z_][\w-]*`).FindAllString(code.String(), -1) {
		words[w] = true
	}
	for _, name := range strings.Fields(nodeAPI) {
		if !words[name] {
			t.Errorf("docs/moving-from-node.md has nothing about %s", name)
		}
	}
}
