// All cases. One has a name, `run(stage)`, and may have `sets` (which combinations run it,
// see run.mjs), `adapter`, `alone` (it starts nodes of its own), `reference: false` (Node
// does not do that) and `deadline`.
import acknowledgements from "./acknowledgements.mjs";
import faults from "./faults.mjs";
import history from "./history.mjs";
import messages from "./messages.mjs";
import namespaces from "./namespaces.mjs";
import rooms from "./rooms.mjs";
import servers from "./servers.mjs";
import sockets from "./sockets.mjs";

export const cases = [...rooms, ...messages, ...acknowledgements, ...sockets, ...servers, ...namespaces, ...history, ...faults];
