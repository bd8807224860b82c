/** How long a server may take to end its agents and to close its store, after prompts had their time, in seconds. */
export const STOP_SECS = 30
