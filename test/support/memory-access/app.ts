import './register.ts';
import '../../../functions/index.ts';
