import { ask } from './ask.js'

globalThis.inPage = ask
globalThis.inWorker = (question) =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' })
    worker.onerror = ({ message }) => reject(new Error(message || 'the worker does not load'))
    worker.onmessage = ({ data }) => resolve(data)
    worker.postMessage(question)
  })
