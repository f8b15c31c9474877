import { describe } from '@jest/globals';
import { breaksNoPromise } from './many-seeds.js';

describe('the refresh protocol, simulated', () => breaksNoPromise(1));
