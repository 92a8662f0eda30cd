/** The way of messages from the server to its sockets: held while a client is congested; faults hold, repeat and turn it round. */

type Send = () => void;

/** Passes everything through at once unless told otherwise. */
export class Outbox {
  #pauses = 0;
  #times = 1;
  #windowMs: number | null = null;
  #waiting: Send[] = [];
  #window: Send[] = [];

  push(send: Send): void {
    if (this.#windowMs === null) {
      this.#pass(send);
      return;
    }
    if (this.#window.length === 0) setTimeout(() => this.#turnRound(), this.#windowMs);
    this.#window.push(send);
  }

  pause(): () => void {
    this.#pauses++;
    return once(() => {
      this.#pauses--;
      // What is sent may pause the rest again.
      while (this.#pauses === 0) {
        const send = this.#waiting.shift();
        if (send === undefined) break;
        send();
      }
    });
  }

  repeat(times: number): () => void {
    this.#times = times;
    return once(() => {
      this.#times = 1;
    });
  }

  reverse(windowMs: number): () => void {
    this.#windowMs = windowMs;
    return once(() => {
      this.#windowMs = null;
      this.#turnRound();
    });
  }

  #turnRound(): void {
    for (const send of this.#window.splice(0).reverse()) this.#pass(send);
  }

  #pass(send: Send): void {
    for (let sent = 0; sent < this.#times; sent++) {
      if (this.#pauses > 0) this.#waiting.push(send);
      else send();
    }
  }
}

function once(act: () => void): () => void {
  let done = false;
  return () => {
    if (!done) act();
    done = true;
  };
}
