import type { ListedModel } from '../chat/model-names.ts'
import type { Model, ModelList } from './answer-schema.ts'

/** Translates the list of models. */
export function toModelList(models: readonly ListedModel[]): ModelList {
  return { object: 'list', data: models.map(toModel) }
}

/** Translates one model. */
export function toModel({ id, backend }: ListedModel): Model {
  return { id, object: 'model', created: 0, owned_by: backend }
}
