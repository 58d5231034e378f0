// Clients that do wrong on purpose: a test that cannot fail is a defect. Each says what
// must be found with it.
import { Listener } from "./people.mjs";

/** Drops one number in the middle. */
class Forgetful extends Listener {
  static finds = ["lost"];
  heard(...said) {
    this.heardSoFar = (this.heardSoFar ?? 0) + 1;
    if (this.heardSoFar !== 15) super.heard(...said);
  }
}

/** Gets one number twice. */
class Stammering extends Listener {
  static finds = ["duplicated"];
  heard(...said) {
    this.heardSoFar = (this.heardSoFar ?? 0) + 1;
    super.heard(...said);
    if (this.heardSoFar === 15) super.heard(...said);
  }
}

/** Gets two numbers in the wrong order. */
class Confused extends Listener {
  static finds = ["disordered"];
  heard(...said) {
    this.heardSoFar = (this.heardSoFar ?? 0) + 1;
    if (this.heardSoFar === 15) return void (this.held = said);
    super.heard(...said);
    if (this.heardSoFar === 16) super.heard(...this.held);
  }
}

/** Is in a room that it never asked for. */
class Eavesdropping extends Listener {
  static finds = ["stray"];
  connected() {
    super.connected();
    this.socket.emit("join", ["room-1", "room-2", "room-3", "room-4", "room-5", "room-6", "room-7"].find((room) => !this.rooms.has(room)));
  }
}

/** Comes back as somebody the server does not know, and says so: told, and nothing wrong. */
class Stranger extends Listener {
  static finds = [];
  static told = 1;
  heard(...said) {
    super.heard(...said);
    this.heardSoFar = (this.heardSoFar ?? 0) + 1;
    if (this.heardSoFar !== 15) return;
    this.socket._pid = "somebody-else";
    this.socket.io.engine.close();
  }
}

/** The same, but keeps it to itself: a silent gap. */
class Silent extends Stranger {
  static finds = ["lost"];
  static told = 0;
  connected() {
    if (this.witness.connection) this.socket.recovered = true;
    super.connected();
  }
}

/** Never comes back. */
class Gone extends Listener {
  static finds = ["absent", "lost"];
  heard(...said) {
    super.heard(...said);
    this.heardSoFar = (this.heardSoFar ?? 0) + 1;
    if (this.heardSoFar !== 15) return;
    this.socket.io.reconnection(false);
    this.socket.io.engine.close();
  }
}

export const doubles = [Forgetful, Stammering, Confused, Eavesdropping, Stranger, Silent, Gone];
