/** One line of the text format that is no comment. */
interface Sample {
  /** Name and labels, as they stand there. */
  readonly series: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** What a scrape says. Strict: a line that is not of the format is an error. */
export function readMetrics(text: string) {
  if (!text.endsWith('\n')) throw new Error('The last line does not end.')
  const families: Record<string, { type: string; help: string }> = {}
  const samples: Sample[] = []
  for (const line of text.split('\n')) {
    const help = line.match(/^# HELP (\w+) (.+)$/)
    const type = line.match(/^# TYPE (\w+) (counter|gauge|histogram)$/)
    const sample = line.match(/^((\w+)(?:\{(.*)\})?) (\S+)$/)
    if (line === '') continue
    if (help) families[help[1] ?? ''] = { type: '', help: help[2] ?? '' }
    else if (type) Object.assign(families[type[1] ?? ''] ?? {}, { type: type[2] })
    else if (sample) {
      const [, series = '', name = '', labels = '', value] = sample
      samples.push({ series, name, labels: readLabels(labels), value: Number(value) })
    } else throw new Error(`Not of the format: ${line}`)
  }
  const seen = new Set(samples.map(({ series }) => series))
  if (seen.size !== samples.length) throw new Error('A series is there twice.')
  return {
    families,
    samples,
    /** Of the series with just these labels; undefined for none. The name is without its prefix. */
    value: (name: string, labels: Readonly<Record<string, string>> = {}): number | undefined =>
      samples.find((one) => one.name === `clinvk_${name}` && Bun.deepEquals(one.labels, labels))?.value,
  }
}

function readLabels(text: string): Record<string, string> {
  const pairs = [...text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"(?:,|$)/g)]
  if (pairs.map(([pair]) => pair).join('') !== text) throw new Error(`Not of the format: ${text}`)
  return Object.fromEntries(pairs.map(([, name = '', value = '']) => [name, value]))
}
