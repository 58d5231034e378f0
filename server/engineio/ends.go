package engineio

// Ends lists how sessions end: which details come with which reason. The layer above
// may end one in other ways.
func Ends() []CloseError {
	var all []CloseError
	for _, of := range []struct {
		reason  Reason
		details []Detail
	}{
		{ReasonTransportClose, []Detail{
			DetailClosePacket, DetailCloseFrame, DetailConnectionLost, DetailWriteFailed, DetailSlowReader, DetailOutboxOverflow,
			DetailOutboxTotal,
		}},
		{ReasonTransportError, []Detail{
			DetailPollAborted, DetailBodyAborted, DetailBodyTimeout, DetailPollOverlap, DetailPostOverlap, DetailPayloadTooLarge,
			DetailBadFrame, DetailBadUTF8, DetailBadContentType, DetailHeartbeat, DetailDecompression, DetailHandlerStall, DetailLogGap,
			DetailUnexpectedPacket,
		}},
		{ReasonPingTimeout, []Detail{DetailNoPong}},
		{ReasonParseError, []Detail{DetailBadPacket, DetailBadMessage}},
		{ReasonForcedClose, []Detail{DetailBadMessage}},
		{ReasonForcedServer, []Detail{
			DetailConnectTimeout, DetailAttachmentTimeout, DetailUnexpectedPacket, DetailServerDisconnect, DetailRateLimited,
			DetailRefused, DetailHandlerPanic,
		}},
		{ReasonShutdown, []Detail{DetailShutdown, DetailDrain}},
	} {
		for _, d := range of.details {
			all = append(all, CloseError{Reason: of.reason, Detail: d})
		}
	}
	return all
}
