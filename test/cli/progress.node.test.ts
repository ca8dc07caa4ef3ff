import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { compiling } from '../../src/cli/progress.ts'
import { terminal } from '../../src/cli/terminal.ts'

test('compiling is shown once it takes long, not before', () => {
  const { now } = performance
  const { err } = terminal
  let clock = 1000
  let said = ''
  performance.now = () => clock
  terminal.err = (text) => {
    said += text
  }
  try {
    const told = compiling()
    told('formulas')
    clock += 100
    told('graph')
    assert.is(said, '')
    clock += 4400
    told('kernels')
    assert.is(said, 'compiling: kernels, 4.5 s so far\n')
    said = ''
    for (let done = 1; done <= 12; done++) {
      clock += 1000
      told('pipelines', done, 12)
    }
    assert.is(
      said,
      'compiling: pipelines of the GPU, 5 of 12, 9.5 s so far\ncompiling: pipelines of the GPU, 10 of 12, 14.5 s so far\n',
    )
  } finally {
    performance.now = now
    terminal.err = err
  }
})

test.run()
