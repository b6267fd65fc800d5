import sys; sys.path.insert(0,'/work/exp')
from exp import *
from baselines.parrot import ContextParrot
from types import SimpleNamespace as S
base=yaml.safe_load(open(f'{ROOT}/config.yaml'))['train']['recipes']['strong']
c=config({'embedding':'dynamics','head':'forecast','encoder_from':None,'n_steps':10,'recipe':'r'},base)
vw=val_windows(c); print(vw.plan.groupby('population').agg({'name':'nunique','system':'nunique','window':'size'}))
for w in (16,24):
  for anch in (False,True):
    sc=run(ContextParrot(S(window=w),standardise_eps=1e-10,anchored=anch),vw,c)
    n=f"parrot{'a' if anch else ''}{w}"; sc.to_parquet(f'/work/exp/{n}.parquet')
    par=pd.read_parquet('/work/exp/parrot16.parquet') if os.path.exists('/work/exp/parrot16.parquet') else sc
    line=f"{n:28s} | {short(table(sc))} | {near(sc,par)}"; print(line,flush=True); open('/work/exp/log.txt','a').write(line+'\n')
