import { RmaatError } from '../errors.ts'
import { readPictures } from './image-files.ts'
import { showPixels } from './pixels.ts'
import { STREAM } from './random.ts'
import { about, checkRoom, type SettingsOf, segmentSettings, settingsOf, written } from './settings.ts'
import { countsInWords, epochs, heldOut, showing, shuffled, type Task } from './task.ts'

/** What there is to know of it. */
export const imageAbout = about({
  source:
    'CIFAR-10 as cifar-10-binary.tar.gz of cs.toronto.edu/~kriz/cifar.html or the folder in it, made grey; or a folder with the ' +
    'four IDX files train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte of ' +
    'pictures of any size, such as MNIST of storage.googleapis.com/cvdf-datasets/mnist (test- for t10k-), each as it is or as .gz. ' +
    'A tenth of the training pictures, drawn at random, always the same one, is for validation',
  sizes: 'CIFAR-10: 45,000 to train on, 5,000 for validation, 10,000 to test with; MNIST: 54,000, 6,000, 10,000',
  chance: 1 / 10,
  bag: 0.22,
  licence: 'CIFAR-10 states none and asks to be cited (Krizhevsky 2009); MNIST: CC BY-SA 3.0',
  settings: { path: written('path', 'folder or .tar.gz file to read'), ...segmentSettings(8, 128) },
})

/**
 * Image classification, pixel by pixel: grey pictures row after row, 1,024 tokens for CIFAR-10. id = value + 1, so that black
 * is no padding, 0 pads, 257 ids.
 * @throws RmaatError 'config' for settings, 'data' for files, with file and place
 */
export async function image(
  options: Partial<SettingsOf<typeof imageAbout.settings>> & { path: string },
): Promise<Task> {
  const settings = settingsOf('image', imageAbout.settings, options)
  const { path, segments, segmentLength } = settings
  if (path === undefined)
    throw new RmaatError('config', 'image: path is missing; it must name a folder, or a .tar.gz file')
  const { train: all, test: tested, rows, columns, classNames } = await readPictures(path)
  checkRoom('image', settings, rows * columns, `a picture of ${rows} x ${columns}`)
  if (all.length < 20)
    throw new RmaatError(
      'data',
      `${path}: expected at least 20 pictures to hold some out of training, found ${all.length}`,
    )
  const [training, validation] = heldOut(all, STREAM.validation)
  // in a random order, so that a part of them stands for all
  const test = shuffled(tested, STREAM.test)
  return {
    name: 'image',
    description: `say to which of ${classNames.length} classes a picture of ${rows} x ${columns} belongs`,
    vocabulary: 257,
    classes: classNames.length,
    classNames,
    segments,
    segmentLength,
    train: (seed) => epochs(training, seed),
    validation,
    test,
    notes: [countsInWords(training.length, validation.length, test.length)],
    show: showing(showPixels(columns)),
  }
}
