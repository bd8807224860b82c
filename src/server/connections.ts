/** What only the listening socket knows of a request. */
export interface Connections {
  /** The address that the request came from, or undefined where it came over no socket. */
  address(request: Request): string | undefined
  /**
   * The answer is complete: the idle timer, which is off while a request is served, runs again. A client that
   * doesn't read what is left of the answer is cut by it.
   */
  release(request: Request): void
}

/** For requests that come over no socket. */
export const NO_CONNECTIONS: Connections = { address: () => undefined, release() {} }
