/** A raw typed call whose failures come as FleetError. */
import { toClientError } from "./errors.ts";

/** @returns a function that throws the reason of `signal` once that is aborted */
export function typedCall<Client>(trpc: Client, baseUrl: string) {
  return async <T>(work: (trpc: Client) => Promise<T>, signal?: AbortSignal): Promise<T> => {
    try {
      return await work(trpc);
    } catch (error) {
      signal?.throwIfAborted();
      throw toClientError(error, baseUrl);
    }
  };
}
