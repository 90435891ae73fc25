<?php

/**
 * The settings. nsbridge itself says whether they are valid.
 */
class Modules_Nsbridge_Form_Settings extends pm_Form_Simple
{
    /** Longer than any key that a server prints. */
    private const LENGTH_MAX = 2000;

    private const METHODS = ['none', 'rndc', 'powerdns', 'catalog'];

    public function init()
    {
        parent::init();
        $settings = Modules_Nsbridge_Configuration::read();
        $this->setAttrib('autocomplete', 'off');
        // The form is on the page of a test, too.
        $this->setAction(pm_Context::getActionUrl('settings', 'index'));
        $this->text('address', $settings);
        $this->secret('zones', $settings);
        $this->choice('method', self::METHODS, $settings);
        $this->text('control', $settings);
        $this->secret('control', $settings);
        $this->text('listen', $settings);
        $this->text('url', $settings);
        $this->secret('api', $settings);
        $this->text('catalog', $settings);
        $this->text('group', $settings);
        $this->text('networks', $settings);
        $this->text('instance', $settings);
        $choices = [Modules_Nsbridge_Choice::ALL, Modules_Nsbridge_Choice::CHOSEN, Modules_Nsbridge_Choice::NONE];
        $this->choice('domains', $choices, $settings);
        $this->addElement('textarea', 'chosen', [
            'label' => $this->lmsg('fieldChosen'),
            'description' => $this->lmsg('hintChosen'),
            'value' => implode("\n", $settings['chosen']),
            'rows' => 5,
        ]);
        $this->addElement('checkbox', 'newDomains', [
            'label' => $this->lmsg('fieldNewDomains'),
            'value' => $settings['newDomains'],
        ]);
        $this->addElement('hidden', 'token', ['value' => Modules_Nsbridge_Token::get()]);
        $this->addControlButtons([
            'sendTitle' => $this->lmsg('save'),
            'cancelLink' => pm_Context::getActionUrl('settings', 'index'),
        ]);
    }

    /**
     * Puts valid settings in force. A form that nsbridge refuses is not valid.
     */
    public function isValid($data)
    {
        $isValid = parent::isValid($data);
        if ($isValid) {
            try {
                $this->save();
            } catch (pm_Exception $error) {
                $this->getElement('address')->addError($error->getMessage());
                $isValid = false;
            }
        }
        // The page with the errors shows the other values.
        foreach (Modules_Nsbridge_Configuration::SECRETS as $name) {
            $this->getElement("secret_$name")->setValue('');
        }
        return $isValid;
    }

    private function save(): void
    {
        $values = $this->getValues();
        $settings = array_intersect_key($values, Modules_Nsbridge_Configuration::DEFAULTS);
        $settings = array_map(static function ($value) {
            return trim((string) $value);
        }, $settings);
        $settings['known'] = Modules_Nsbridge_Zones::names();
        $lines = preg_split('/[\s,]+/', strtolower($settings['chosen']), -1, PREG_SPLIT_NO_EMPTY);
        $settings['chosen'] = array_values(array_unique($lines));
        $unknown = array_diff($settings['chosen'], $settings['known']);
        if ($unknown) {
            throw new pm_Exception($this->lmsg('zoneOfNoDomain', ['zone' => implode(', ', $unknown)]));
        }
        $secrets = [];
        foreach (Modules_Nsbridge_Configuration::SECRETS as $name) {
            $secrets[$name] = trim((string) $values["secret_$name"]);
        }
        Modules_Nsbridge_Configuration::write($settings, array_filter($secrets, 'strlen'));
    }

    private function text(string $name, array $settings): void
    {
        $this->addElement('text', $name, [
            'label' => $this->lmsg('field' . ucfirst($name)),
            'description' => $this->lmsg('hint' . ucfirst($name)),
            'value' => $settings[$name],
            'validators' => [['StringLength', true, ['max' => self::LENGTH_MAX]]],
        ]);
    }

    /**
     * Adds a field that never shows what is stored.
     */
    private function secret(string $name, array $settings): void
    {
        $this->addElement($name === 'api' ? 'password' : 'textarea', "secret_$name", [
            'label' => $this->lmsg('fieldSecret' . ucfirst($name)),
            'description' => $this->lmsg(isset($settings['files'][$name]) ? 'hintStored' : 'hintSecret' . ucfirst($name)),
            'validators' => [['StringLength', true, ['max' => self::LENGTH_MAX]]],
            'rows' => 4,
        ]);
    }

    private function choice(string $name, array $values, array $settings): void
    {
        $labels = [];
        foreach ($values as $value) {
            $labels[$value] = $this->lmsg($name . ucfirst($value));
        }
        $this->addElement('radio', $name, [
            'label' => $this->lmsg('field' . ucfirst($name)),
            'multiOptions' => $labels,
            'value' => $settings[$name],
            'required' => true,
        ]);
    }
}
