/** Runs in the container: one request to its server. Prints `{status, body}`. Arguments: path, key or '', JSON body or ''. */
const [path = '/', key = '', body = ''] = process.argv.slice(2)
const response = await fetch(`http://127.0.0.1:8080${path}`, {
  method: body === '' ? 'GET' : 'POST',
  headers: {
    ...(key === '' ? {} : { authorization: `Bearer ${key}` }),
    ...(body === '' ? {} : { 'content-type': 'application/json' }),
  },
  ...(body === '' ? {} : { body }),
})
console.log(JSON.stringify({ status: response.status, body: await response.json() }))

export {}
