// The package `webgpu` asks the GPU by setImmediate, over and over, whether it is done: a core is busy with that while a GPU
// in software needs it to compute. Here it asks once a millisecond.
const { setImmediate: soon } = globalThis
/** Whether a function is one of C++; bound ones have a name. */
const isNative = (call) => call.name === '' && String(call) === 'function () { [native code] }'
globalThis.setImmediate = (call, ...given) => (isNative(call) ? setTimeout(call, 1) : soon(call, ...given))
