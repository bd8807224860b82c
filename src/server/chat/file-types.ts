/** The media type that a file's name stands for; undefined for one that says nothing. */
export function typeOfName(name = ''): string | undefined {
  const ending = name.toLowerCase().match(/\.([a-z0-9]+)$/)?.[1]
  return ending === undefined ? undefined : (TYPES[ending] ?? (TEXTS.has(ending) ? 'text/plain' : undefined))
}

const TYPES: Readonly<Record<string, string>> = {
  pdf: 'application/pdf',
  md: 'text/markdown',
  csv: 'text/csv',
  html: 'text/html',
  json: 'application/json',
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
}

/** Endings of files that people attach as they are. Browsers know no type for most of them. */
const TEXTS: ReadonlySet<string> = new Set(
  'txt log ini cfg conf toml yaml yml xml sql sh bash zsh bat ps1 py rb php pl lua r jl go rs c h cc cpp hpp cs java kt swift scala dart js mjs cjs ts tsx jsx vue svelte css scss less tex rst diff patch'.split(
    ' ',
  ),
)
