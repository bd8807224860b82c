import { newId as newIdOf } from '../../../engine/ids.ts'

/** The kinds of ids, as OpenAI begins them. */
type IdKind = 'resp' | 'msg' | 'rs' | 'fc' | 'ctc' | 'tsc' | 'item'

/** A new id of the Responses API. */
export const newId: (kind: IdKind) => string = newIdOf
