import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { compiling, progress } from '../../src/cli/progress.ts'
import { terminal } from '../../src/cli/terminal.ts'

/** With a clock that `run` moves; yields what was said. */
function withClock(run: (pass: (milliseconds: number) => void, said: () => string) => void): void {
  const { now } = performance
  const { err } = terminal
  let clock = 1000
  let said = ''
  performance.now = () => clock
  terminal.err = (text) => {
    said += text
  }
  const pass = (milliseconds: number): void => {
    clock += milliseconds
  }
  const heard = (): string => {
    const text = said
    said = ''
    return text
  }
  try {
    run(pass, heard)
  } finally {
    performance.now = now
    terminal.err = err
  }
}

test('the time left is that of the rest at the pace of this run: not of what was done before it, nor of its first step', () => {
  withClock((pass, said) => {
    const bar = progress('training', 4000, 1000)
    pass(60_000) // the first step, which is slow
    bar.update(1001)
    assert.match(said(), /^training 1001\/4000 {2}$/m)
    pass(6000)
    bar.update(1004)
    assert.match(said(), /^training 1004\/4000 {2}1 h 39 min left$/m)
  })
})

test('compiling is shown once it takes long, not before', () => {
  withClock((pass, said) => {
    const told = compiling()
    told('formulas')
    pass(100)
    told('graph')
    assert.is(said(), '')
    pass(4400)
    told('kernels')
    assert.is(said(), 'compiling: kernels, 4.5 s so far\n')
    for (let done = 1; done <= 12; done++) {
      pass(1000)
      told('pipelines', done, 12)
    }
    assert.is(
      said(),
      'compiling: pipelines of the GPU, 5 of 12, 9.5 s so far\ncompiling: pipelines of the GPU, 10 of 12, 14.5 s so far\n',
    )
  })
})

test.run()
