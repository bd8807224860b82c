import { ClinvkError } from '../errors.ts'

/** The folder that we were started in. @throws `config_invalid` where it is gone. */
export function currentFolder(): string {
  try {
    return process.cwd()
  } catch {
    throw new ClinvkError(
      'config_invalid',
      'The current folder does not exist any more. Start clinvk in another one.',
    )
  }
}
