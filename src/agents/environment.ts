/** Variables that are ours, the runtime's or the package manager's, and none of an agent's business. */
const NOT_FOR_AGENTS = /^(CLINVK_|BUN_|npm_(?!config_)|INIT_CWD$)/

/**
 * The environment that agents are started with: the user's own without anything of ours, keys first of all,
 * and with what the operator adds.
 */
export function agentEnvironment(
  parent: Readonly<Record<string, string | undefined>>,
  added: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const kept = Object.entries(parent).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !NOT_FOR_AGENTS.test(entry[0]),
  )
  return { ...Object.fromEntries(kept), ...added }
}
