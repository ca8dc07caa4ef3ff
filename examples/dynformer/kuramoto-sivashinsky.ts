// Kuramoto-Sivashinsky on a ring, u_t = -u u_x - u_xx - u_xxxx, by ETDRK4 (Kassam & Trefethen 2005) in Fourier space.
import { type Device, irfft, loop, randomUniform, read, rfft, stack, type Tensor, tensor } from 'rmaat'

/** Points, length of the ring, time of a step and between frames. */
export const [N, LENGTH, H, APART] = [64, 12 * Math.PI, 0.25, 2]

const factorial = (k: number): number => (k < 2 ? 1 : k * factorial(k - 1))
/** phi_0 = exp, phi_k(z) = (phi_(k-1)(z) - 1 / (k-1)!) / z; near 0 its series, as the difference would lose its digits. */
function phi(k: number, z: number): number {
  if (Math.abs(z) >= 1) return k === 0 ? Math.exp(z) : (phi(k - 1, z) - 1 / factorial(k - 1)) / z
  return Array.from({ length: 20 }, (_, i) => z ** i / factorial(i + k)).reduce((sum, term) => sum + term, 0)
}

const waves = Array.from({ length: N / 2 + 1 }, (_, k) => (2 * Math.PI * k) / LENGTH)
/** A factor for each wave number, [K, 1]; z is the linear part of a step. */
const each = (f: (z: number, k: number) => number): Tensor =>
  tensor(waves.map((k) => f(H * (k ** 2 - k ** 4), k))).unsqueeze(1)
const [whole, half, slope] = [each((z) => Math.exp(z)), each((z) => Math.exp(z / 2)), each((_, k) => k / 2)]
const q = each((z) => (H / 2) * phi(1, z / 2))
const f1 = each((z) => H * (phi(1, z) - 3 * phi(2, z) + 4 * phi(3, z)))
const f2 = each((z) => H * (2 * phi(2, z) - 4 * phi(3, z)))
const f3 = each((z) => H * (4 * phi(3, z) - phi(2, z)))

/** -(u^2)_x / 2 of spectra v [R, K, 2]: -i k / 2 times a + i b is k / 2 times b - i a. */
function nonlinear(v: Tensor): Tensor {
  const square = rfft(irfft(v, N).square()).mul(slope)
  return stack([square.select(-1, 1), square.select(-1, 0).neg()], -1)
}

function step(v: Tensor): Tensor {
  const nv = nonlinear(v)
  const a = v.mul(half).add(nv.mul(q))
  const na = nonlinear(a)
  const nb = nonlinear(v.mul(half).add(na.mul(q)))
  const nc = nonlinear(a.mul(half).add(nb.mul(2).sub(nv).mul(q)))
  return v.mul(whole).add(nv.mul(f1)).add(na.add(nb).mul(f2)).add(nc.mul(f3))
}

/** Fields APART units of time apart, [frames, rows, N], of random ones that 100 units have made forget how they began. */
export async function trajectories(device: Device, [rows, frames]: number[], seed: number): Promise<Tensor> {
  const start = randomUniform([rows, N], { seed, site: 1 }).sub(0.5)
  const begun = loop({ count: 400, carry: [rfft(start.sub(start.mean(1, true)))] }, ([v]) => ({ carry: [step(v)] }))
  const { outputs } = loop({ count: frames, carry: begun.carry }, ([v]) => {
    const { carry } = loop({ count: APART / H, carry: [v] }, ([w]) => ({ carry: [step(w)] }))
    return { carry, outputs: [irfft(v, N)] }
  })
  const [fields] = await read(device, outputs[0])
  return tensor(fields, [frames, rows, N])
}
