/**
 * The candidate that `word` most likely was meant to be, or undefined where none is near. A third of the
 * letters may differ; hyphens, spaces and camelCase count as the underscores that our keys have, and the unit
 * at the end may be missing.
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  // What is longer is no slip of the pen, and comparing it takes long.
  if (word.length > LONGEST) return undefined
  const wanted = snakeCase(word)
  let best: string | undefined
  let bestDistance = Math.max(1, Math.floor(wanted.length / 3)) + 1
  for (const candidate of candidates) {
    if (candidate.length > LONGEST) continue
    const key = snakeCase(candidate)
    const distance = wanted !== '' && key.startsWith(`${wanted}_`) ? 1 : editDistance(wanted, key)
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

const LONGEST = 100

function snakeCase(word: string): string {
  return word
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[-\s]+/g, '_')
    .toLowerCase()
}

/** Letters to insert, remove or replace, or neighbours to swap, to turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const replaced = (last[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1)
      let cost = Math.min(replaced, (last[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1)
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      if (swapped) cost = Math.min(cost, (beforeLast[column - 2] ?? 0) + 1)
      current.push(cost)
    }
    beforeLast = last
    last = current
  }
  return last[b.length] ?? 0
}
