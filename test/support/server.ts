/** A server that is measured, and its processes. */
export interface Server {
  readonly name: string;
  /** The address, without a slash at its end. */
  readonly url: string;
  readonly pids: readonly number[];
  stop(): Promise<void>;
}
