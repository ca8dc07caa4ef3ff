/** A formula of the paper, where it stands there and here. `id` names its program, where kernels compute it. */
export interface Formula {
  readonly id: string
  readonly title: string
  /** HTML */
  readonly formula: string
  readonly place: string
  readonly file: string
  readonly words: string
  /** Computed on the host, in double precision, before anything runs. */
  readonly onHost?: boolean
}

export const formulas: readonly Formula[] = [
  {
    id: 'plasticity',
    title: 'Long-term plasticity',
    formula: 'τ<sub>p</sub><sup>l</sup> dp<sup>l</sup>/dt = −γ<sup>l</sup> p<sup>l</sup> + κ(s)',
    place: 'Eq. 3',
    file: 'src/rmaat/macro-model.ts',
    words:
      'The slow process of the simulated astrocyte; its increments in each cycle are what a segment is remembered by.',
    onHost: true,
  },
  {
    id: 'retention',
    title: 'Retention factor',
    formula: 'RF(t, T) = Δp<sub>t</sub> / Σ<sub>i</sub> Δp<sub>i</sub>',
    place: 'section 3.3',
    file: 'src/rmaat/retention.ts',
    words:
      'The share of the memory that is kept after segment t of T. It follows from Eq. 3 in closed form and is not learned.',
    onHost: true,
  },
  {
    id: 'positions',
    title: 'Relative positions',
    formula: 'R = Wᵀ (W P Wᵀ), &nbsp; P<sub>ij</sub> = exp(−|i − j| · scale)',
    place: 'section 3.2',
    file: 'src/rmaat/positions.ts',
    words: 'Distances between tokens as the astrocyte sees them, projected by a learned basis W.',
  },
  {
    id: 'attention',
    title: 'Astromorphic attention',
    formula: 'H = (φ(K)ᵀV + φ(R)ᵀV) / n<sup>1−α</sup>, &nbsp; g = (Σ φ(k))<sup>α</sup>, &nbsp; φ(Q) H / (φ(Q) gᵀ)',
    place: 'Eq. 4, section 3.2',
    file: 'src/rmaat/attention/astro.ts',
    words:
      'Synapses write a neuronal and an astrocytic weight; the answer is divided by the calcium response. Linear in the number of tokens.',
  },
  {
    id: 'norm',
    title: 'Layer norm',
    formula: 'LN(x) = (x − mean x) / √(var x + ε) · gain + bias',
    place: 'the predecessor’s block',
    file: 'src/nn/norm.ts',
    words: 'One row of a token’s numbers after another; forward it is one fused kernel.',
  },
  {
    id: 'block',
    title: 'Encoder block',
    formula: 'y = LN(x + attention(x)), &nbsp; LN(y + FFN(y))',
    place: 'the predecessor’s block',
    file: 'src/rmaat/block.ts',
    words: 'One block over the memory tokens and the tokens of a segment.',
  },
  {
    id: 'memory',
    title: 'Memory update',
    formula: 'm<sub>t+1</sub> = RF(t, T) · m′<sub>t+1</sub>',
    place: 'section 3.3',
    file: 'src/rmaat/memory/',
    words:
      'How memory goes from one segment to the next; as the settings have it, here scaled as in the paper or another.',
  },
  {
    id: 'loss',
    title: 'Cross entropy',
    formula: 'L = −Σ w log softmax(z)<sub>label</sub>',
    place: 'the loss of the last segment',
    file: 'src/nn/losses.ts',
    words: 'Logits and labels to one number.',
  },
  {
    id: 'step',
    title: 'Memory replay: the whole training step',
    formula: '∂L/∂m<sub>t</sub> = (∂m<sub>t+1</sub>/∂m<sub>t</sub>)ᵀ ∂L/∂m<sub>t+1</sub>, &nbsp; t = T−1 … 1',
    place: 'section 3.4 (AMRB)',
    file: 'src/autograd/grad.ts, src/train/step.ts',
    words:
      'Forward through all segments, back by the method that is set, clipping and AdamW, as one program: each loop stands once in its list.',
  },
]
