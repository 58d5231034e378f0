// The configuration that makes the program serve two public examples written
// for Node: Socket.IO's get-started chat and its whiteboard.
export const relayYAML = ``;
