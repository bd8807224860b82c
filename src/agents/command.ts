import type { ExitStatus } from '../process/child.ts'

/** Where the model goes in the arguments of a configured command. */
export const MODEL_PLACEHOLDER = '{model}'

/** Sentences about how a program ended, the same for every driver. */
export const describeEnd = {
  notFound: (program: string) =>
    `The program "${program}" was not found on the PATH. Install it, or set its command in the configuration.`,
  /** Told after the backend's name: "claude ended with exit code 1: …". */
  ended({ code, signal }: ExitStatus, stderr: string): string {
    const how = signal === null ? `ended with exit code ${code ?? 'unknown'}` : `was ended by ${signal}`
    return stderr === '' ? `${how}.` : `${how}: ${stderr}`
  },
}
