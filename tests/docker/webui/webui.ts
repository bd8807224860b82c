/** Does what Open WebUI does with the variables that compose.yaml gives it, and tells on its port how that went. */
const { OPENAI_API_BASE_URL: base, OPENAI_API_KEY: key } = process.env
const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
const models = await fetch(`${base}/models`, { headers })
const chat = await fetch(`${base}/chat/completions`, {
  method: 'POST',
  headers,
  body: JSON.stringify({ model: 'demo', stream: true, messages: [{ role: 'user', content: 'hello' }] }),
})
const stranger = await fetch(`${base}/models`)
const seen = {
  models: [models.status, await models.text()],
  chat: [chat.status, await chat.text()],
  stranger: stranger.status,
}
Bun.serve({ port: 8080, fetch: () => Response.json(seen) })

export {}
