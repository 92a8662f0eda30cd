/** Who this pod is to the edges, and the fence against an edge that no longer owns its session. */
import { FleetError } from "../../contracts/errors.ts";
import type { BootId, PodId } from "../../contracts/ids.ts";
import type { Identity, Journal } from "../journal/port.ts";

export class PodIdentity {
  readonly #journal: Journal;
  #identity: Identity;

  constructor(journal: Journal) {
    this.#journal = journal;
    this.#identity = journal.identity();
  }

  get bootId(): BootId {
    return this.#identity.bootId;
  }

  get podId(): PodId | null {
    return this.#identity.podId;
  }

  /**
   * Checks a call's claim, and remembers the first pod id and the highest epoch on disk before it returns.
   * @throws FleetError `wrong_pod`, `stale_epoch`.
   */
  admit({ podId, epoch }: { podId: PodId; epoch: number }): void {
    const { podId: own, epoch: highest } = this.#identity;
    if (own !== null && own !== podId) {
      throw new FleetError("wrong_pod", `Cannot serve pod '${podId}': this agent is pod '${own}'`, {
        hint: "Mend the edge's pod list, or give the agent a new state directory to make it another pod.",
      });
    }
    if (epoch < highest) {
      throw new FleetError("stale_epoch", `Cannot serve epoch ${epoch}: an edge with epoch ${highest} owns this pod`, {
        hint: "Stop using this pod until its session is yours again.",
      });
    }
    if (own === null) this.#journal.adoptPod(podId);
    if (epoch > highest) this.#journal.raiseEpoch(epoch);
    if (own === null || epoch > highest) this.#identity = this.#journal.identity();
  }

  /** This pod is no more, and its attempts are lost to the edge; the next to call gives it another id. */
  leave(): void {
    this.#journal.leavePod();
    this.#identity = this.#journal.identity();
  }
}
